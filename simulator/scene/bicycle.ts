import { repeat } from './svg.ts'

/** A bicycle's colour and what hangs on it. */
export interface BicycleLook {
  readonly frame: string
  readonly drive: 'pedals' | 'battery'
}

const rearHub = { x: -53, y: -34 } as const
const frontHub = { x: 55, y: -34 } as const
const wheelRadius = 33
const tyreWidth = 4.5
const dark = '#17181a'

/**
 * A bicycle from its right side, standing at 0,0: 176 wide, 112 high. The default detector goes by thin dark
 * tyres with light spokes, a diamond of tubes, a saddle above it and a shadow below; without them it sees nothing.
 */
export function bicycle(look: BicycleLook): string {
  const round = 'fill="none" stroke-linecap="round" stroke-linejoin="round"'
  const tube = `stroke="${look.frame}" stroke-width="5" ${round}`
  const part = `stroke="${dark}" ${round}`
  return `
    <ellipse cx="0" cy="0" rx="92" ry="7" fill="#000" opacity="0.28"/>
    ${wheel(rearHub.x, rearHub.y)}
    ${wheel(frontHub.x, frontHub.y)}
    <path d="M-53 -34 L-8 -36 L-22 -84 Z M-8 -36 L38 -80 M-22 -80 L36 -88" ${tube}/>
    <path d="M34 -96 L40 -74 Q44 -56 55 -34" ${tube}/>
    <path d="M-22 -84 L-26 -96" ${part} stroke-width="3.5"/>
    <path d="M-44 -98 Q-34 -103 -12 -98 Q-24 -93 -44 -98 Z" fill="${dark}"/>
    <path d="M34 -96 L32 -106 L44 -108 Q54 -106 50 -97" ${part} stroke-width="4"/>
    <circle cx="-8" cy="-36" r="8.5" ${part} stroke-width="2.6"/>
    <path d="M-8 -36 L-1 -22 M-8 -36 L-15 -50" ${part} stroke-width="3"/>
    <path d="M-6 -21 h10 M-20 -51 h10" ${part} stroke-width="3.6"/>
    <path d="M-53 -38 L-8 -44 M-53 -30 L-8 -28" ${part} stroke-width="1.2"/>
    ${look.drive === 'battery' ? battery() : ''}`
}

/** What makes it an e-bike (电动自行车): a pack on the rear rack and a motor in the hub. */
function battery(): string {
  return `
    <path d="M-72 -74 H-24 M-66 -72 L-53 -36" stroke="${dark}" stroke-width="2.5" fill="none"/>
    <rect x="-72" y="-86" width="38" height="12" rx="3" fill="#24272b"/>
    <rect x="-68" y="-83" width="8" height="6" fill="#4aa564"/>
    <circle cx="${rearHub.x}" cy="${rearHub.y}" r="8" fill="#54585c"/>`
}

function wheel(x: number, y: number): string {
  const count = 9
  const spokes = repeat(count, (index) => {
    const angle = (index * Math.PI) / count + 0.12
    const dx = Math.cos(angle) * (wheelRadius - 2)
    const dy = Math.sin(angle) * (wheelRadius - 2)
    return `M${(x - dx).toFixed(1)} ${(y - dy).toFixed(1)} L${(x + dx).toFixed(1)} ${(y + dy).toFixed(1)} `
  })
  const rim = wheelRadius - tyreWidth / 2 - 0.8
  return `
    <path d="${spokes}" stroke="#d8d8d4" stroke-width="0.9" opacity="0.8" fill="none"/>
    <circle cx="${x}" cy="${y}" r="${wheelRadius}" fill="none" stroke="${dark}" stroke-width="${tyreWidth}"/>
    <circle cx="${x}" cy="${y}" r="${rim}" fill="none" stroke="#a9abab" stroke-width="1.4"/>
    <circle cx="${x}" cy="${y}" r="3.6" fill="#3a3c3e"/>`
}
