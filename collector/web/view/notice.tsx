/** States every view can be in, one look each: empty (with the reason), loading, failed. */
import type { Failure } from '../client.ts'

export function Notice({ kind, title, text, children }: {
  kind: 'empty' | 'clear' | 'failed'
  title: string
  text: string
  children?: preact.ComponentChildren
}): preact.JSX.Element {
  return (
    <div class={`notice ${kind}`} role={kind === 'failed' ? 'alert' : undefined}>
      <h2>{title}</h2>
      <p>{text}</p>
      {children}
    </div>
  )
}

export function Failed({ failure, retry }: { failure: Failure, retry: () => void }): preact.JSX.Element {
  return (
    <Notice kind="failed" title="This could not be read" text={failure.text}>
      <p class="quiet"><code>{failure.code}</code>{failure.requestId === '' ? '' : <> · request <code>{failure.requestId}</code></>}</p>
      <button type="button" class="button" onClick={retry}>Try again</button>
    </Notice>
  )
}

/** Grey lines where rows will be; nothing jumps when they come. */
export function Loading({ rows, label }: { rows: number, label: string }): preact.JSX.Element {
  return (
    <div class="loading" role="status">
      <span class="unseen">{label}</span>
      {Array.from({ length: rows }, (_, index) => <i key={index} />)}
    </div>
  )
}
