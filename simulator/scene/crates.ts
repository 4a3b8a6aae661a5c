import { repeat } from './svg.ts'

/** Goods put out before a shop: fruit crates in two tiers, standing at 0,0: 120 wide, 78 high. */
export function crates(): string {
  return `
    <ellipse cx="0" cy="0" rx="66" ry="6" fill="#000" opacity="0.28"/>
    ${crate(-60, -38)}${crate(2, -38)}${crate(-30, -76)}`
}

const fruit = ['#c8502a', '#d98e2b', '#7c9a3a'] as const

function crate(x: number, y: number): string {
  const row = repeat(6, (i) => {
    const colour = fruit[i % fruit.length] ?? fruit[0]
    return `<circle cx="${x + 7 + i * 9}" cy="${y + 3}" r="5.5" fill="${colour}"/>`
  })
  const slats = repeat(3, (i) => {
    const top = y + 6 + i * 11
    return `<rect x="${x}" y="${top}" width="58" height="8" fill="#a9793f" stroke="#5d3f1c" stroke-width="1.4"/>`
  })
  const posts = repeat(
    3,
    (i) => `<rect x="${x + i * 26}" y="${y + 4}" width="5" height="34" fill="#7b5426"/>`,
  )
  return row + slats + posts
}
