import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { isGanglionError } from '../base/errors.ts'
import type { Complaint } from '../base/schema.ts'
import { ConfigError } from '../base/yaml.ts'

/** Answers that several routes give. */

/** Who did it: a name that people know, without line breaks. */
export const By = Type.String({
  pattern: '^[^\\x00-\\x1f\\x7f]{1,60}$',
  description: 'the name of who does it',
})

export const unknownDevice = (reply: FastifyReply): FastifyReply =>
  reply.code(404).send({ code: 'device-unknown', message: 'no site of this box has such a device' })

export const refuse = (reply: FastifyReply, complaints: readonly Complaint[]): FastifyReply =>
  reply.code(400).send({
    code: 'payload-invalid',
    message: complaints.map(({ path, text }) => `${path} ${text}`.trim()).join('; '),
  })

/** What cannot be is told with its reason: 422 with every mistake of files, 503 for later, 409 for what must not be. */
export async function orReason(reply: FastifyReply, work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ConfigError) {
      const { code, message, mistakes } = error
      return reply.code(422).send({ code, message, mistakes })
    }
    if (!isGanglionError(error)) throw error
    const { code, message, hint } = error
    const status = error.retry === 'later' ? 503 : 409
    return reply.code(status).send({ code, message: hint === undefined ? message : `${message}\n${hint}` })
  }
}
