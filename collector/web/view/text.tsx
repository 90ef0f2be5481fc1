/** Network-derived text: invisible characters written out, its direction kept to itself. */
import { visible } from '../format.ts'
import { addressOf, route } from '../route.ts'

/** One name, address or other value. */
export function Datum({ value, strong }: { value: string, strong?: boolean }): preact.JSX.Element {
  return <bdi class={strong === true ? 'datum strong' : 'datum'} dir="ltr">{visible(value)}</bdi>
}

/** A sentence with the names it is about made easy to find. */
export function Sentence({ text, names }: { text: string, names: readonly string[] }): preact.JSX.Element {
  const parts: preact.ComponentChild[] = []
  let rest = text
  while (rest !== '') {
    const next = names.filter((name) => name !== '').map((name) => ({ name, at: rest.indexOf(name) })).filter(({ at }) => at >= 0)
      .sort((a, b) => a.at - b.at || b.name.length - a.name.length)[0]
    if (next === undefined) break
    parts.push(visible(rest.slice(0, next.at)), <Datum key={parts.length} value={next.name} strong />)
    rest = rest.slice(next.at + next.name.length)
  }
  return <bdi dir="ltr">{parts}{visible(rest)}</bdi>
}

/** A next step: what stands between backticks is a command to copy; a question to the archive becomes a link to its answer. */
export function Step({ text }: { text: string }): preact.JSX.Element {
  return (
    <bdi dir="ltr">
      {text.split(/(`[^`]*`|\/v1\/flows\?\S+)/).map((part, index) => {
        if (part.startsWith('/v1/flows?')) {
          const query = Object.fromEntries(new URLSearchParams(part.slice('/v1/flows?'.length)))
          return <a key={index} class="inline" href={addressOf('/flows', route.value.query, query)}>show these flows</a>
        }
        return index % 2 === 1 ? <code key={index}>{visible(part.slice(1, -1))}</code> : visible(part)
      })}
    </bdi>
  )
}
