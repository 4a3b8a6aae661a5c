import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from 'typebox'
import { checker } from '../base/schema.ts'
import { errorCodes, GanglionError, messageOf, type ErrorCode } from '../base/errors.ts'

const ApiFile = Type.Object({ url: Type.String({ pattern: '^http://' }), pid: Type.Integer() })
const ANSWER_MS = 3000

/** The gateway that runs on a data folder, reached by its `api.json` and `token`. */
export interface RunningGateway {
  get(path: string, waitMs?: number): Promise<unknown>
  /** What is no JSON: a page. */
  text(path: string): Promise<string>
  /** @param waitMs for what takes longer than an answer does */
  post(path: string, body: object, waitMs?: number): Promise<unknown>
  put(path: string, body: object): Promise<unknown>
}

/** undefined when nobody answers there. */
export async function runningGateway(dataFolder: string): Promise<RunningGateway | undefined> {
  let url: string
  let token: string
  try {
    const file = checker(ApiFile)(JSON.parse(readFileSync(join(dataFolder, 'api.json'), 'utf8')))
    if (!file.ok) return undefined
    url = file.value.url
    token = readFileSync(join(dataFolder, 'token'), 'utf8').trim()
  } catch {
    return undefined // no such file: it does not run, or never did
  }
  const call = async (path: string, init: RequestInit, waitMs = ANSWER_MS): Promise<unknown> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const answer = await fetch(`${url}${path}`, { ...init, headers, signal: AbortSignal.timeout(waitMs) })
    const body: unknown = await answer.json()
    if (!answer.ok) throw refusal(answer.status, body)
    return body
  }
  const gateway: RunningGateway = {
    get: (path, waitMs) => call(path, {}, waitMs),
    text: async (path) => {
      const headers = { authorization: `Bearer ${token}` }
      const answer = await fetch(`${url}${path}`, { headers, signal: AbortSignal.timeout(ANSWER_MS) })
      if (!answer.ok) throw refusal(answer.status, await answer.json())
      return answer.text()
    },
    post: (path, body, waitMs) => call(path, { method: 'POST', body: JSON.stringify(body) }, waitMs),
    put: (path, body) => call(path, { method: 'PUT', body: JSON.stringify(body) }),
  }
  try {
    await gateway.get('/api/config')
    return gateway
  } catch (error) {
    if (messageOf(error).startsWith('the gateway answered')) throw error
    return undefined // a stale api.json of one that was killed
  }
}

const Refusal = Type.Object({ code: Type.String(), message: Type.String() })

function refusal(status: number, body: unknown): GanglionError {
  const said = checker(Refusal)(body)
  if (!said.ok) return new GanglionError('not-allowed', `the gateway answered ${status}`)
  const { code, message } = said.value
  return new GanglionError(
    isErrorCode(code) ? code : 'not-allowed',
    `the gateway answered ${status}: ${message}`,
  )
}

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(errorCodes, code)
