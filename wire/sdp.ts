/** Session descriptions (RFC 4566) as far as cameras use them: one video stream in H.264 or H.265. */

export const videoCodecs = ['H264', 'H265'] as const
export type VideoCodec = (typeof videoCodecs)[number]

export interface VideoTrack {
  readonly codec: VideoCodec
  readonly payloadType: number
  /** As `a=control` says it: an absolute URL or a part of one. */
  readonly control: string
  /** SPS and PPS (H.265: VPS, SPS, PPS) where the description carries them; some cameras send them nowhere else. */
  readonly parameterSets: readonly Uint8Array[]
}

/** What a description offers: the first video that can be decoded, or the names of those that cannot. */
export type VideoOffer = VideoTrack | { readonly others: readonly string[] }

export function readVideo(description: string): VideoOffer {
  const others: string[] = []
  for (const part of description.split(/\r?\n(?=m=)/).filter((section) => section.startsWith('m=video'))) {
    const payloadType = /^m=video \S+ \S+ (\d{1,3})(?:\s|$)/.exec(part)?.[1] ?? ''
    const name = attribute(part, `rtpmap:${payloadType} `).split('/')[0] ?? ''
    const codec = videoCodecs.find((known) => known === (name === 'HEVC' ? 'H265' : name.toUpperCase()))
    if (!codec) {
      others.push(name === '' ? 'unnamed' : name.slice(0, 20))
      continue
    }
    const format = attribute(part, `fmtp:${payloadType} `)
    const sets = ['sprop-vps', 'sprop-sps', 'sprop-pps', 'sprop-parameter-sets']
    return {
      codec,
      payloadType: Number(payloadType),
      control: attribute(part, 'control:').slice(0, 500),
      parameterSets: sets.flatMap((set) =>
        fromBase64(new RegExp(`(?:^|[;\\s])${set}=([^;\\s]*)`).exec(format)?.[1] ?? ''),
      ),
    }
  }
  return { others }
}

const attribute = (part: string, name: string): string =>
  part
    .split(/\r?\n/)
    .find((line) => line.startsWith(`a=${name}`))
    ?.slice(name.length + 2)
    .trim() ?? ''

const fromBase64 = (list: string): Uint8Array[] =>
  list
    .split(',')
    .map((text) => Uint8Array.from(Buffer.from(text, 'base64')))
    .filter((nal) => nal.length > 0)

/** The URL that SETUP names: absolute, or beside the base of the description (RFC 2326 §C.1.1). */
export function controlUrl(control: string, base: string): string {
  if (/^rtsp:\/\//i.test(control)) return control
  if (control === '' || control === '*') return base
  return `${base.replace(/\/$/, '')}/${control}`
}

/** What a camera with one H.264 stream answers to DESCRIBE (RFC 6184 §8.2.1). */
export function describeVideo(video: {
  readonly address: string
  readonly title: string
  readonly payloadType: number
  readonly sps: Uint8Array
  readonly pps: Uint8Array
  readonly control: string
}): string {
  const sets = [video.sps, video.pps].map((nal) => Buffer.from(nal).toString('base64')).join(',')
  const profileLevelId = Buffer.from(video.sps.subarray(1, 4)).toString('hex')
  const lines = [
    'v=0',
    `o=- 0 0 IN IP4 ${video.address}`,
    `s=${video.title}`,
    `c=IN IP4 0.0.0.0`,
    't=0 0',
    'a=control:*',
    'a=range:npt=now-',
    `m=video 0 RTP/AVP ${video.payloadType}`,
    `a=rtpmap:${video.payloadType} H264/90000`,
    `a=fmtp:${video.payloadType} packetization-mode=1;profile-level-id=${profileLevelId};sprop-parameter-sets=${sets}`,
    `a=control:${video.control}`,
  ]
  return `${lines.join('\r\n')}\r\n`
}
