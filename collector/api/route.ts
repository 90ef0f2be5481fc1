/** What a route file gets, and the shape all of them have: one exported function that adds one route to the server. */
import type { FastifyBaseLogger, FastifyInstance, FastifyTypeProvider, RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerDefault } from 'fastify'
import type { Static, TSchema } from 'typebox'
import type { Cursors } from './cursor.ts'
import type { LiveFeed } from './live.ts'
import type { ServerOptions } from './options.ts'

/** Types of query, params and body follow from the route's own schema. */
export interface SchemaTypes extends FastifyTypeProvider {
  validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown
  serializer: this['schema'] extends TSchema ? Static<this['schema']> : unknown
}

export type App = FastifyInstance<RawServerDefault, RawRequestDefaultExpression, RawReplyDefaultExpression, FastifyBaseLogger, SchemaTypes>

export type RouteContext = { options: ServerOptions, cursors: Cursors, live: LiveFeed }
export type Route = (app: App, context: RouteContext) => void

type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/** Leaves out what is undefined: the stores' queries have optional fields, never undefined ones. */
export function given<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>
}
