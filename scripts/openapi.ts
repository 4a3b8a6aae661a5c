import type { TSchema } from 'typebox'
import { Case, CONTRACT, Proof, Why } from '../gateway/case.ts'
import {
  CaseEvent,
  CaseEventBatch,
  DeliveryResults,
  limits,
  Problem,
  StageFeed,
} from '../gateway/contract.ts'
import { StageMove } from '../gateway/stage.ts'
import { Bilingual } from '../gateway/words.ts'
import { MISMATCHING_OFFSET, PARTIAL_UPLOAD, RESUMABLE_UPLOAD_DRAFT } from '../wire/resumable-upload.ts'
import { opened, plain, type Json } from './json-schema.ts'

/** The shapes that stand under `components`; wherever one is used, it is referred to. */
const named: ReadonlyMap<TSchema, string> = new Map<TSchema, string>([
  [Case, 'Case'],
  [Why, 'Why'],
  [Proof, 'Proof'],
  [Bilingual, 'Bilingual'],
  [CaseEvent, 'CaseEvent'],
  [CaseEventBatch, 'CaseEventBatch'],
  [DeliveryResults, 'DeliveryResults'],
  [StageMove, 'StageMove'],
  [StageFeed, 'StageFeed'],
  [Problem, 'Problem'],
])

const referTo = (schema: TSchema): string | undefined => {
  const name = named.get(schema)
  return name === undefined ? undefined : `#/components/schemas/${name}`
}

const ref = (schema: TSchema): Json => ({ $ref: referTo(schema) ?? '' })
const content = (type: string, schema: Json): Json => ({ [type]: { schema } })
const problem = (description: string, headers?: Json): Json => ({
  description,
  ...(headers === undefined ? {} : { headers }),
  content: content('application/problem+json', ref(Problem)),
})
const header = (description: string, pattern?: string): Json => ({
  description,
  schema: { type: 'string', ...(pattern === undefined ? {} : { pattern }) },
})
const parameter = (name: string, description: string, pattern?: string): Json => ({
  name,
  in: 'header',
  required: true,
  ...(header(description, pattern) as object),
})

const contractVersion = parameter('Ganglion-Contract', 'the version of this contract', `^${CONTRACT}$`)
const contentDigest = parameter('Content-Digest', 'RFC 9530, sha-256 of the body as sent')
const sha256: Json = {
  name: 'sha256',
  in: 'path',
  required: true,
  schema: { type: 'string', pattern: '^[0-9a-f]{64}$' },
}
const uploadState: Json = {
  'Upload-Offset': header('bytes that are there', '^\\d+$'),
  'Upload-Complete': header('?1 when the file is whole and its hash was right', '^\\?[01]$'),
  'Upload-Length': header('size of the whole file', '^\\d+$'),
}
const unsigned = problem(
  'The signature or the digest does not hold, the key is unknown, or the clocks are more than 300 s apart. The Date header lets the box say that its clock is wrong. It tries again; nothing is lost.',
)
const away = problem('Not now. Retry-After is obeyed, in seconds or as a date, up to one hour.', {
  'Retry-After': header('seconds, or an HTTP date'),
})

/** docs/platform/openapi.json: the contract for machines. */
export function openApi(): Json {
  const schemas = Object.fromEntries(
    [...named].map(([schema, name]) => {
      const json = plain(schema, (inner) => (inner === schema ? undefined : referTo(inner)))
      return [name, schema === StageMove ? json : opened(json)]
    }),
  )
  return {
    openapi: '3.1.0',
    info: {
      title: 'Ganglion: what a case platform answers',
      version: String(CONTRACT),
      description:
        'A box brings sealed grid cases and their proof, and fetches the stages that people move them through. The box is always the client. README.md beside this file says it in words.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: 'https://platform.example/v1', description: 'the url of the connector in box.yaml' }],
    security: [{ signature: [] }],
    paths: {
      '/cases': { post: postCases },
      '/evidence/{sha256}': {
        parameters: [sha256],
        head: headEvidence,
        put: putEvidence,
        patch: patchEvidence,
      },
      '/stages': { get: getStages },
    },
    components: {
      schemas,
      securitySchemes: {
        signature: {
          type: 'apiKey',
          in: 'header',
          name: 'Signature',
          description:
            'RFC 9421 with Signature-Input. Covered: "@method" "@authority" "@path", "@query" where there is one, "content-digest" where there is a body, "idempotency-key" for POST, "upload-offset" "upload-complete" "upload-length" for PATCH. Parameters: created, nonce, keyid = boxId, alg = "ed25519".',
        },
      },
    },
  }
}

const postCases: Json = {
  summary: 'Take case revisions',
  description: `One CloudEvent, or a batch of at most ${limits.batch}. Idempotent by (key, revision): a repeat is taken and changes nothing.`,
  parameters: [
    contractVersion,
    contentDigest,
    parameter(
      'Idempotency-Key',
      'a structured string, made of the box and the content. Keep at least 7 days of keys with their answers; an answer that holds a `later` is not kept',
      '^".{1,200}"$',
    ),
  ],
  requestBody: {
    required: true,
    content: {
      ...(content('application/cloudevents+json', ref(CaseEvent)) as object),
      ...(content('application/cloudevents-batch+json', ref(CaseEventBatch)) as object),
    },
  },
  responses: {
    200: {
      description: 'One result per event, in order; also for a single event.',
      content: content('application/json', ref(DeliveryResults)),
    },
    400: problem(
      'Not JSON, no events, or no Idempotency-Key. The box sends the events one by one, then gives up the one.',
    ),
    401: unsigned,
    409: problem('The same Idempotency-Key is still under way. The box asks again after a second.'),
    413: problem(`More than ${limits.casesBytes} bytes or ${limits.batch} events.`),
    422: problem('The same Idempotency-Key came with another body, or nothing in it can ever be taken.'),
    503: away,
  },
}

const headEvidence: Json = {
  summary: 'How far a file came',
  responses: {
    200: {
      description: 'Known, whole or in part.',
      headers: { ...(uploadState as object), 'Cache-Control': header('no-store') },
    },
    401: unsigned,
    404: { description: 'Nothing of it is here.' },
  },
}

const putEvidence: Json = {
  summary: 'Take a whole proof file',
  description: `Up to ${limits.putBytes} bytes. The name is the hash, so that a repeat does no harm. A Content-Range is refused.`,
  parameters: [contractVersion, contentDigest],
  requestBody: { required: true, content: content('*/*', { type: 'string', format: 'binary' }) },
  responses: {
    201: { description: 'New; the hash was right.' },
    204: { description: 'It was here already.' },
    400: problem('Content-Range on a PUT: a part would be stored as the whole.'),
    401: unsigned,
    413: problem('Larger than this platform takes.'),
    422: problem('The bytes do not have the hash they are named by.'),
    503: away,
  },
}

const patchEvidence: Json = {
  summary: 'Append to a proof file',
  description: `A subset of ${RESUMABLE_UPLOAD_DRAFT}: no creation step (an append at offset 0 begins the file), no interim responses.`,
  parameters: [
    contractVersion,
    contentDigest,
    parameter('Upload-Offset', 'where these bytes belong', '^\\d+$'),
    parameter('Upload-Complete', '?1 with the last bytes', '^\\?[01]$'),
    parameter('Upload-Length', 'size of the whole file', '^\\d+$'),
  ],
  requestBody: { required: true, content: content(PARTIAL_UPLOAD, { type: 'string', format: 'binary' }) },
  responses: {
    201: { description: 'The file is whole and its hash was right.', headers: uploadState },
    204: { description: 'Appended, or it was whole already.', headers: uploadState },
    400: problem('The upload headers are missing or wrong.'),
    401: unsigned,
    409: problem(`The offset is not where the file stands; type ${MISMATCHING_OFFSET}.`, uploadState),
    413: problem('The whole is larger than this platform takes.'),
    422: problem('The whole does not have the hash it is named by; what was there is thrown away.'),
    503: away,
  },
}

const getStages: Json = {
  summary: 'Moves of this box’s cases after a cursor',
  description:
    'A long poll: answers as soon as there are moves, and with none when `wait` seconds have passed.',
  parameters: [
    contractVersion,
    {
      name: 'after',
      in: 'query',
      required: true,
      description:
        'the cursor of the last answer; empty at first. The platform gives every move after it, at least once',
      schema: { type: 'string', maxLength: 200 },
    },
    {
      name: 'wait',
      in: 'query',
      required: true,
      description: 'seconds',
      schema: { type: 'integer', minimum: 0, maximum: 60 },
    },
  ],
  responses: {
    200: { description: 'Moves, oldest first.', content: content('application/json', ref(StageFeed)) },
    401: unsigned,
    503: away,
  },
}
