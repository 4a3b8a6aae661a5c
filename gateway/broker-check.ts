import { nearest } from '../base/schema.ts'
import type { Mistake, YamlFile } from '../base/yaml.ts'
import { DEFAULT_TOPICS, urlComplaint } from './broker.ts'
import type { BoxFile, SiteFile } from './site-file.ts'

/** What the files of a box say of MQTT brokers, bridges and the devices behind them, judged against each other. */
export function mqttMistakes(
  box: YamlFile<BoxFile>,
  sites: readonly YamlFile<SiteFile>[],
  codecs: ReadonlySet<string>,
): readonly Mistake[] {
  return [...ofBrokers(box), ...ofBridges(box, codecs), ...ofDevices(box, sites)]
}

function ofBrokers(box: YamlFile<BoxFile>): Mistake[] {
  const brokers = box.value.brokers ?? []
  return brokers.flatMap((broker, index) => {
    const path = `/brokers/${index}`
    const mistakes: Mistake[] = []
    if (brokers.findIndex(({ id }) => id === broker.id) < index)
      mistakes.push(box.mistake(`${path}/id`, `another broker has the id "${broker.id}" already`))
    const wrong = urlComplaint(broker.url)
    if (wrong !== undefined) mistakes.push(box.mistake(`${path}/url`, wrong))
    for (const name of ['ca', 'cert', 'key'] as const) {
      if (broker[name] !== undefined && broker.url.startsWith('mqtt:'))
        mistakes.push(box.mistake(`${path}/${name}`, 'is of use with mqtts:// only; the url says mqtt://'))
    }
    if ((broker.cert === undefined) !== (broker.key === undefined))
      mistakes.push(box.mistake(path, 'wanted cert and key, both or neither'))
    if (broker.password !== undefined && broker.user === undefined)
      mistakes.push(box.mistake(`${path}/password`, 'wanted a user beside the password'))
    return mistakes
  })
}

function ofBridges(box: YamlFile<BoxFile>, codecs: ReadonlySet<string>): Mistake[] {
  const known = idsOf(box.value.brokers)
  return (box.value.bridges ?? []).flatMap(({ codec, broker }, index) => {
    const path = `/bridges/${index}`
    return [
      ...(codecs.has(codec)
        ? []
        : [box.mistake(`${path}/codec`, unknown('codec', codec, [...codecs].sort()))]),
      ...(broker === undefined || known.includes(broker)
        ? []
        : [box.mistake(`${path}/broker`, unknown('broker', broker, known))]),
    ]
  })
}

function ofDevices(box: YamlFile<BoxFile>, sites: readonly YamlFile<SiteFile>[]): Mistake[] {
  const bridges = new Map((box.value.bridges ?? []).map((bridge) => [bridge.id, bridge]))
  const brokers = new Map((box.value.brokers ?? []).map((broker) => [broker.id, broker]))
  /** Who speaks there → the device and its file. */
  const taken = new Map<string, string>()
  const mistakes: Mistake[] = []
  for (const site of sites) {
    for (const [index, device] of site.value.devices.entries()) {
      const [transport = '', settings = {}] = Object.entries(device.via)[0] ?? []
      if (transport !== 'mqtt' && transport !== 'mqtt-client') continue
      const path = `/devices/${index}/via/${transport}`
      const complain = (text: string, below = ''): void =>
        void mistakes.push(site.mistake(path + below, text))
      const { account, address, broker, topic }: ViaMqtt = settings
      if (transport === 'mqtt-client' && (account === undefined) === (broker === undefined))
        complain(
          'wanted either broker (with topic) for a device by itself, or account (with address) for one behind a bridge',
        )
      if (broker !== undefined && !brokers.has(broker))
        complain(unknown('broker', broker, [...brokers.keys()]), '/broker')
      const bridge = account === undefined ? undefined : bridges.get(account)
      const right = bridge?.broker === undefined ? 'mqtt' : 'mqtt-client'
      if (bridge && right !== transport)
        complain(
          bridge.broker === undefined
            ? `the bridge "${bridge.id}" speaks on the embedded broker: wanted via: { mqtt: … }`
            : `the bridge "${bridge.id}" speaks on the broker "${bridge.broker}": wanted via: { mqtt-client: … }`,
        )
      const siteId = site.file.replace(/\.yaml$/, '')
      const own = topic ?? `${brokers.get(broker ?? '')?.topics ?? DEFAULT_TOPICS}/${siteId}/${device.id}`
      const where =
        account !== undefined
          ? `bridge ${account}: ${address ?? device.id}`
          : broker !== undefined
            ? `broker ${broker}: ${own}`
            : undefined
      const other = where === undefined ? undefined : taken.get(where)
      if (other !== undefined) complain(`${other} is reached there already (${where ?? ''})`)
      if (where !== undefined) taken.set(where, `the device "${device.id}" in ${site.file}`)
    }
  }
  return mistakes
}

/** What both MQTT transports may find below `via:`; their own schemas have judged it. */
interface ViaMqtt {
  readonly account?: string
  readonly address?: string
  readonly broker?: string
  readonly topic?: string
}

const idsOf = (entries: readonly { readonly id: string }[] = []): readonly string[] =>
  entries.map(({ id }) => id)

function unknown(what: string, word: string, known: readonly string[]): string {
  const meant = nearest(word, known)
  const list = known.length === 0 ? `box.yaml names no ${what}` : `known are ${known.join(', ')}`
  return `unknown ${what} "${word}"; ${meant ? `did you mean "${meant}"?` : list}`
}
