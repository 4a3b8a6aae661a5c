import type { FastifyInstance } from 'fastify'
import { isGanglionError } from '../base/errors.ts'
import { ConfigError } from '../base/yaml.ts'
import type { BoxChanges } from './box-changes.ts'

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
    app.post('/api/reload', async (_request, reply) => {
      try {
        const { hash, changes, wires } = await reload()
        return { configHash: hash, changes: changes ?? null, wires }
      } catch (error) {
        if (error instanceof ConfigError) {
          const { code, message, mistakes } = error
          return reply.code(422).send({ code, message, mistakes })
        }
        if (!isGanglionError(error)) throw error
        const { code, message, hint } = error
        const status = error.retry === 'later' ? 503 : 409
        return reply
          .code(status)
          .send({ code, message: hint === undefined ? message : `${message}\n${hint}` })
      }
    })
  }
