import { repeat } from './svg.ts'

/** A lane before a shop front: brick wall, window, door, slabs. */
export function fireLane(): string {
  return `
    <rect width="640" height="200" fill="#a0614c"/>
    ${bricks(200)}
    <rect x="60" y="40" width="190" height="130" fill="#3d4a52"/>
    <rect x="68" y="48" width="84" height="114" fill="#7d95a0"/>
    <rect x="158" y="48" width="84" height="114" fill="#748c98"/>
    <path d="M72 140 L140 52 M166 150 L228 60" stroke="#a9bcc4" stroke-width="6" opacity="0.4"/>
    <rect x="470" y="50" width="90" height="150" fill="#4b3a30"/>
    <rect x="478" y="58" width="74" height="142" fill="#6a5444"/>
    <circle cx="542" cy="130" r="4" fill="#c9b26a"/>
    <rect x="40" y="12" width="240" height="22" fill="#7a2f2a"/>
    <rect y="200" width="640" height="14" fill="#8d8b86"/>
    ${slabs({ top: 214, fill: '#b5b2aa', joint: '#8f8c85', rows: 5, columns: 17 })}`
}

/** A landing of a stairwell: flat door, hydrant box, the flight going up on the right. */
export function stairwell(): string {
  const steps = repeat(6, (i) => {
    const x = 500 + i * 24
    const y = 230 - i * 20
    const fill = i % 2 === 0 ? '#9b968b' : '#a6a196'
    return (
      `<rect x="${x}" y="${y}" width="${640 - x}" height="20" fill="${fill}"/>` +
      `<path d="M${x} ${y} H640" stroke="#7f7a70" stroke-width="2"/>`
    )
  })
  return `
    <rect width="640" height="250" fill="#d9d8d0"/>
    <rect y="120" width="640" height="130" fill="#a9bfae"/>
    <rect y="118" width="640" height="3" fill="#7d9384"/>
    <rect x="40" y="60" width="92" height="190" fill="#7b5e48"/>
    <rect x="50" y="70" width="72" height="180" fill="#8d6e55"/>
    <circle cx="112" cy="166" r="4" fill="#d6c27a"/>
    <rect x="170" y="96" width="34" height="46" fill="#b5322c"/>
    <rect x="176" y="102" width="22" height="34" fill="#cf5048"/>
    ${slabs({ top: 250, fill: '#b9b4a8', joint: '#948f84', rows: 4, columns: 15 })}
    ${steps}
    <path d="M500 170 L640 52" stroke="#5a4a3c" stroke-width="6"/>`
}

/** An open shop: awning, windows, door, pavement. */
export function storefront(): string {
  const awning = repeat(15, (i) => {
    const fill = i % 2 === 0 ? '#e4e0d2' : '#b8443c'
    return `<path d="M${20 + i * 40} 66 h40 l-4 14 h-32 Z" fill="${fill}"/>`
  })
  return `
    <rect width="640" height="220" fill="#cbbfa8"/>
    <rect x="30" y="70" width="580" height="150" fill="#55504a"/>
    <rect x="40" y="78" width="300" height="142" fill="#8fa6ad"/>
    <rect x="352" y="78" width="110" height="142" fill="#3a3835"/>
    <rect x="474" y="78" width="126" height="142" fill="#8299a1"/>
    <path d="M60 200 L150 84 M210 210 L300 90 M490 205 L570 92" stroke="#b3c6cc" stroke-width="7" opacity="0.4"/>
    <rect x="20" y="22" width="600" height="44" fill="#2f6b53"/>
    ${awning}
    ${slabs({ top: 220, fill: '#aeaaa2', joint: '#8b8880', rows: 5, columns: 17 })}`
}

function bricks(height: number): string {
  const courses = repeat(Math.floor(height / 12), (row) => {
    const joints = repeat(22, (i) => `M${i * 30 + (row % 2) * 15} ${row * 12} v12 `)
    return `M0 ${row * 12} H640 ${joints}`
  })
  return `<path d="${courses}" stroke="#7e4a3a" stroke-width="1.2" opacity="0.55"/>`
}

interface Ground {
  readonly top: number
  readonly fill: string
  readonly joint: string
  readonly rows: number
  readonly columns: number
}

/** Ground to the lower edge, in slabs whose joints run towards the eye. */
function slabs(ground: Ground): string {
  const height = 360 - ground.top
  const across = repeat(ground.rows, (i) => {
    const y = ground.top + height * ((i + 1) / ground.rows) ** 1.6
    return `M0 ${y.toFixed(1)} H640 `
  })
  const along = repeat(ground.columns, (i) => {
    const near = -320 + (i * 1280) / (ground.columns - 1)
    const far = 320 + (near - 320) * 0.55
    return `M${far.toFixed(1)} ${ground.top} L${near.toFixed(1)} 360 `
  })
  return `
    <rect y="${ground.top}" width="640" height="${height}" fill="${ground.fill}"/>
    <path d="${across}${along}" stroke="${ground.joint}" stroke-width="1.2" opacity="0.65"/>`
}
