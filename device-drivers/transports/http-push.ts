import { Type } from 'typebox'
import type { Transport, TransportContext, TransportPlug } from '../../gateway/ports.ts'
import { Id } from '../../gateway/words.ts'
import { aborted, listen } from '../listen.ts'
import { pushForm } from '../push/form-by-name.ts'
import { HttpDoor, type HttpBounds, type HttpReply, type HttpRequest } from '../push/http-door.ts'
import { PushDoor } from '../push/push-door.ts'
import { PushedDevices } from '../push/pushed-devices.ts'

const address = Type.Object(
  {
    /** The id of its entry of `pushes:` in box.yaml. */
    push: Id,
    device: Type.String({
      pattern: '^[^\\p{Cc}]{1,128}$',
      description: 'what the cloud calls it: its IMEI, or its id or name there',
    }),
    member: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description:
          'where the cloud hands its own bytes on as a text: the name of that value, such as 3311_0_5706',
      }),
    ),
  },
  { additionalProperties: false },
)

const MOST_CONNECTIONS = 512
const bounds: HttpBounds = {
  connectionsPerSource: 128,
  requestsPerSecondPerSource: 2000,
  underway: 512,
  headMs: 10_000,
  bodyMs: 10_000,
  idleMs: 75_000,
  bodyBytes: 256 * 1024,
}

const notFound: HttpReply = { status: 404, text: 'not found' }

/**
 * 推送: operators' clouds post what NB-IoT devices say. Plain HTTP: TLS ends in front of it. Nothing is answered but the
 * paths of box.yaml, and there nobody who does not know the secret.
 */
class HttpPush implements Transport {
  readonly name = 'http-push'
  readonly #context: TransportContext

  constructor(context: TransportContext) {
    this.#context = context
  }

  async run(signal: AbortSignal): Promise<void> {
    const { listen: at, clock, intake, pushes, devices } = this.#context
    if (at === undefined) {
      await aborted(signal)
      return
    }
    const pushed = await PushedDevices.load(devices)
    const doors = await Promise.all(
      pushes.map(async (push) => new PushDoor(push, await pushForm(push.form), pushed, this.#context)),
    )
    const trouble = (what: string, example: string): void => {
      if (!signal.aborted) intake.trouble(`http-push: ${what}`, example)
    }
    const http = new HttpDoor({
      clock,
      bounds,
      trouble,
      respond: (request) => respond(doors, request, trouble),
    })
    const listening = await listen(at, MOST_CONNECTIONS, (socket) => http.enter(socket))
    listening.server.on('drop', () => trouble('too many connections', at))
    intake.state('http-push', 'listening', listening.address)
    for (const door of doors) door.open()
    await aborted(signal)
    await listening.close()
    intake.state('http-push', 'stopped')
  }
}

async function respond(
  doors: readonly PushDoor[],
  request: HttpRequest,
  trouble: (what: string, example: string) => void,
): Promise<HttpReply> {
  const { path } = request
  const end = path.lastIndexOf('/')
  // Compared as it came: what would have to be decoded or shortened first is no path of ours.
  const signed = doors.find(({ push, form }) => !form.hasSecretPath && push.path === path)
  if (signed) return signed.answer(request, '')
  const secret = doors.find(({ push, form }) => form.hasSecretPath && push.path === path.slice(0, end))
  if (secret) return secret.answer(request, path.slice(end + 1))
  // Not the path itself: a mistyped address has its secret in it.
  trouble('no such path', request.source)
  return notFound
}

const plug: TransportPlug = {
  name: 'http-push',
  uses: ['pushes', 'limits'],
  address,
  create: (context) => new HttpPush(context),
}
export default plug
