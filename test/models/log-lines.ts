/**
 * A logger that keeps its lines, as `level code: text`.
 */
import type { Logger } from '../../proto/process/log.ts'

export function keepLines(): { log: Logger, lines: string[] } {
  const lines: string[] = []
  const at = (level: string) => (code: string, text: string): void => { lines.push(`${level} ${code}: ${text}`) }
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log }
  return { log, lines }
}
