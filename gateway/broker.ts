import { Type, type Static } from 'typebox'
import { Id, SecretRef } from './words.ts'

/** The prefix of the topics of devices that name none of their own. */
export const DEFAULT_TOPICS = 'ganglion'

/** 外部消息代理: an MQTT broker that is not ours (mosquitto, EMQX, NATS). Ganglion connects to it and to nothing it refers to. */
export const Broker = Type.Object(
  {
    id: Id,
    /** Judged by `urlComplaint`, which never shows it: people put passwords there. */
    url: Type.String({
      minLength: 1,
      maxLength: 300,
      description:
        'mqtt://host:1883, or mqtts://host:8883 for TLS; the user name and password stand in user: and password:',
    }),
    version: Type.Optional(
      Type.Enum([5, '3.1.1'] as const, { description: 'of MQTT; 5 by default. NATS wants 3.1.1' }),
    ),
    user: Type.Optional(Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\0]+$' })),
    password: Type.Optional(SecretRef),
    ca: Type.Optional(
      Type.String({
        pattern: '^(env:[A-Za-z_][A-Za-z0-9_]*|file:[^\\0]{1,200})$',
        description:
          'mqtts: the certificate authority in PEM, by env:NAME or file:PATH; the usual ones by default',
      }),
    ),
    cert: Type.Optional(
      Type.String({
        pattern: '^(env:[A-Za-z_][A-Za-z0-9_]*|file:[^\\0]{1,200})$',
        description: 'mqtts: our client certificate in PEM, with its key',
      }),
    ),
    key: Type.Optional(SecretRef),
    topics: Type.Optional(
      Type.String({
        pattern: '^[^#+/$\\0][^#+\\0]{0,100}$',
        description:
          'devices without a topic of their own speak on <topics>/<site id>/<device id>/up; ganglion by default. Gateways that share a broker differ by their site ids',
      }),
    ),
  },
  { additionalProperties: false },
)
export type Broker = Static<typeof Broker>

/** What is wrong with a broker's URL, without repeating it; undefined when it is right. */
export function urlComplaint(url: string): string | undefined {
  const wanted = 'wanted mqtt://host:port or mqtts://host:port'
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.username || parsed?.password || url.includes('@'))
    return `${wanted}, without user name and password: they stand in "user" and "password" (the latter as env:NAME or file:PATH)`
  if (!parsed || (parsed.protocol !== 'mqtt:' && parsed.protocol !== 'mqtts:') || parsed.hostname === '')
    return wanted
  const isBare = (parsed.pathname === '' || parsed.pathname === '/') && parsed.search + parsed.hash === ''
  return isBare ? undefined : `${wanted} and nothing after it`
}
