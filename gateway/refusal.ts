import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import type { Complaint } from '../base/schema.ts'

/** Answers that several routes of commissioning give. */

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
