/**
 * The flow engine with the stages it works with: decode, flow, protocol, feature put together. All within one memory
 * budget.
 */
import { createDecoder } from './decode/decoder.ts'
import { contextEntryOctets, InitiatorContext } from './feature/context.ts'
import { FlowEngine } from './flow/engine.ts'
import { Protocols } from './protocol/protocols.ts'
import type { AgentLedger } from '../proto/ledger.ts'
import type { EngineOptions } from './flow/engine.ts'

/** Share of the budget for names and for initiators; flows have the other 7/8. */
const sideShare = 16
const contextEntries = 65536

/** An engine that counts into `ledger`. */
export function createEngine(options: EngineOptions, ledger: AgentLedger): FlowEngine {
  const side = options.memory / sideShare
  return new FlowEngine(options, ledger, {
    decoder: createDecoder(),
    protocols: new Protocols(side),
    context: new InitiatorContext(Math.min(contextEntries, side / contextEntryOctets)),
  })
}
