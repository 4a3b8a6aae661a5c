import type { FastifyInstance } from 'fastify'
import type { BoxChanges } from './box-changes.ts'
import { orReason } from './refusal.ts'

/** What a reload has taken over. */
export interface Reloaded {
  readonly hash: string
  /** Undefined: the folder is as it was. */
  readonly changes: BoxChanges | undefined
  /** The transports that were taken down or set up; all others ran on. */
  readonly wires: readonly string[]
}

export interface ReloadRoutesContext {
  readonly reload: () => Promise<Reloaded>
}

/**
 * POST /api/reload: takes the changed box folder over. 200 with what changed; 422 with every `mistakes` by file and line,
 * 409 for what wants a restart or must wait: then the old box goes on.
 */
export const reloadRoutes =
  ({ reload }: ReloadRoutesContext) =>
  (app: FastifyInstance): void => {
    app.post('/api/reload', (_request, reply) =>
      orReason(reply, async () => {
        const { hash, changes, wires } = await reload()
        return { configHash: hash, changes: changes ?? null, wires }
      }),
    )
  }
