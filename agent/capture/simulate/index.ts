/** The simulated office LAN: a source of frames, a writer of captures, and the truth about both. */
export { attackKinds, captureName, generatorVersion } from './options.ts'
export type { AttackKind, SimulateOptions } from './options.ts'
export { SimulateSource } from './source.ts'
export { attackOf } from './truth.ts'
export type * from './truth.ts'
export { truthPath, writeCapture } from './write.ts'
