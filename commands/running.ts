import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from 'typebox'
import { checker } from '../base/schema.ts'
import { messageOf } from '../base/errors.ts'

const ApiFile = Type.Object({ url: Type.String({ pattern: '^http://' }), pid: Type.Integer() })
const ANSWER_MS = 3000

/** The gateway that runs on a data folder, reached by its `api.json` and `token`. */
export interface RunningGateway {
  get(path: string): Promise<unknown>
  post(path: string, body: object): Promise<unknown>
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
  const call = async (path: string, init: RequestInit): Promise<unknown> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const answer = await fetch(`${url}${path}`, { ...init, headers, signal: AbortSignal.timeout(ANSWER_MS) })
    const body: unknown = await answer.json()
    if (!answer.ok) throw new Error(`the gateway answered ${answer.status}: ${JSON.stringify(body)}`)
    return body
  }
  const gateway: RunningGateway = {
    get: (path) => call(path, {}),
    post: (path, body) => call(path, { method: 'POST', body: JSON.stringify(body) }),
  }
  try {
    await gateway.get('/api/config')
    return gateway
  } catch (error) {
    if (messageOf(error).startsWith('the gateway answered')) throw error
    return undefined // a stale api.json of one that was killed
  }
}
