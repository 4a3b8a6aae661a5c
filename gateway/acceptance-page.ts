import type { HopShown } from './drill-record.ts'
import type { Bilingual, Position } from './words.ts'

/** An acceptance record as the API shows it, as far as the page prints it. */
export interface AcceptanceShown {
  readonly boxId: string
  readonly deviceId: string
  readonly by: string
  readonly at: string
  readonly what: {
    readonly profile: string
    readonly variant: string | null
    readonly name: Bilingual
    readonly via: object
  }
  readonly where: {
    readonly siteId: string
    readonly siteName: Bilingual
    readonly address: string
    readonly gridCode: string
    readonly part: string
    readonly position: Position
  }
  readonly note: string | null
  readonly photo: { readonly sha256: string; readonly mediaType: string } | null
  readonly signs: readonly {
    readonly quantity: string
    readonly value: unknown
    readonly unit: string
    readonly quality: string
    readonly at: string
  }[]
  readonly drill: {
    readonly state: string
    readonly by: string
    readonly beganAt: string
    readonly endedAt: string | null
    readonly case: string | null
    readonly class: string | null
    readonly hops: readonly HopShown[]
  } | null
}

const hopText: Readonly<Record<HopShown['hop'], Bilingual>> = {
  sensor: { zh: '传感器时间', en: "sensor's own time" },
  arrival: { zh: '到达网关', en: 'arrived at the box' },
  raised: { zh: '生成案件', en: 'case raised' },
  stored: { zh: '落盘', en: 'on the disk' },
  delivered: { zh: '送达平台', en: 'delivered to the platform' },
  answered: { zh: '平台答复', en: 'answered by the platform' },
}

const STYLE = `@page{size:A4;margin:18mm}body{font:11pt/1.5 "Noto Sans CJK SC","Source Han Sans SC","PingFang SC","Microsoft YaHei",sans-serif;color:#111;max-width:174mm;margin:auto}
h1{font-size:17pt;margin:0 0 2mm}h2{font-size:12pt;margin:6mm 0 1mm;break-after:avoid}table{border-collapse:collapse;width:100%;break-inside:avoid}
th,td{border:.3mm solid #999;padding:1mm 2mm;text-align:left;vertical-align:top;overflow-wrap:anywhere}th{width:34%;font-weight:normal;background:#f2f2f2}
img{max-width:100%;max-height:110mm;break-inside:avoid}.sign td{height:14mm}code{font-size:8.5pt}`

/** One page that stands alone: nothing is loaded, so it prints the same everywhere. */
export function acceptancePage(record: AcceptanceShown, photo: Uint8Array | undefined): string {
  const { at, boxId, by, deviceId, drill, note, signs, what, where } = record
  const { lat, lng, crs } = where.position
  const variant = what.variant === null ? '' : ` (${what.variant})`
  return `<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${safe(deviceId)} 设备验收记录</title><style>${STYLE}</style></head><body>
<h1>设备验收记录 · Acceptance record</h1>
${table([
  ['设备', 'Device', deviceId],
  ['型号', 'Model', `${both(what.name)}, ${what.profile}${variant}`],
  ['接入', 'Reached by', JSON.stringify(what.via)],
  ['场所', 'Site', `${both(where.siteName)} (${where.siteId})`],
  ['地址', 'Address', where.address],
  ['单元网格', 'Grid cell', where.gridCode],
  ['部位', 'Part', where.part],
  ['坐标', 'Position', `${lng}, ${lat} (${crs})`],
  ['网关', 'Box', boxId],
  ['验收人', 'Accepted by', by],
  ['时间', 'Time', at],
  ...(note === null ? [] : [['备注', 'Note', note] as const]),
])}
<h2>信号与电量 · Signal and battery</h2>
${
  signs.length === 0
    ? '<p>设备未上报 · the device says nothing of them</p>'
    : table(
        signs.map(({ quantity, value, unit, quality, at: said }) => [
          quantity,
          '',
          `${String(value)} ${unit}${quality === 'good' ? '' : ` (${quality})`}, ${said}`,
        ]),
      )
}
<h2>演练 · Drill</h2>
${drill ? drillPart(drill) : '<p>未演练 · no drill</p>'}
<h2>照片 · Photo</h2>
${photoPart(record, photo)}
<h2>签字 · Signatures</h2>
<table class="sign"><tr><td>安装 · installed by</td><td>验收 · accepted by</td></tr></table>
</body></html>
`
}

function drillPart({
  beganAt,
  by,
  endedAt,
  hops,
  state,
  ...drill
}: NonNullable<AcceptanceShown['drill']>): string {
  const head = table([
    ['状态', 'State', stateText(state)],
    ['演练人', 'By', by],
    ['开始', 'Began', beganAt],
    ['结束', 'Ended', endedAt ?? '—'],
    ['案件', 'Case', drill.case === null ? '—' : `${drill.class ?? ''} ${drill.case}`],
  ])
  const rows = hops.map(({ hop, at, afterMs }) => {
    const name = hopText[hop]
    return [name.zh, name.en, `${at}${afterMs === null ? '' : `  (+${afterMs} ms)`}`] as const
  })
  return rows.length === 0 ? head : `${head}<h2>各段用时 · Time of each hop</h2>${table(rows)}`
}

const stateZh: Readonly<Record<string, string>> = {
  'under way: no case yet': '进行中，尚无案件',
  'ended without a case': '已结束，未生成案件',
  complete: '完成',
  'waiting for the platform': '等待平台',
}

const stateText = (state: string): string => `${stateZh[state] ?? '平台拒收'} · ${state}`

function photoPart({ photo }: AcceptanceShown, bytes: Uint8Array | undefined): string {
  if (!photo) return '<p>无 · none</p>'
  const sum = `<p><code>SHA-256 ${safe(photo.sha256)}</code></p>`
  if (!bytes) return `<p>照片文件已不在 · the file of the photo is gone</p>${sum}`
  return `<img alt="photo" src="data:${safe(photo.mediaType)};base64,${Buffer.from(bytes).toString('base64')}">${sum}`
}

const table = (rows: readonly (readonly [zh: string, en: string, value: string])[]): string =>
  `<table>${rows
    .map(
      ([zh, en, value]) =>
        `<tr><th>${safe(en === '' ? zh : `${zh} · ${en}`)}</th><td>${safe(value)}</td></tr>`,
    )
    .join('')}</table>`

const both = ({ zh, en }: Bilingual): string => `${zh} · ${en}`

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Whatever people typed is text on the page. */
const safe = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => escapes[character] ?? '')
