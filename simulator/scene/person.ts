/** A person seen from the front, standing at 0,0: 50 wide, 150 high. */
export function person(): string {
  const coat = '#7a3b3b'
  return `
    <ellipse cx="2" cy="0" rx="30" ry="5" fill="#000" opacity="0.28"/>
    <path d="M-14 -74 L-16 -6 L-4 -6 L0 -62 L5 -6 L17 -6 L14 -74 Z" fill="#2b3142"/>
    <path d="M-18 -6 q-4 6 2 6 h12 v-6 Z M5 -6 v6 h12 q6 0 2 -6 Z" fill="#1c1a1a"/>
    <path d="M-12 -124 Q-23 -122 -24 -104 L-23 -70 Q-14 -66 0 -66 Q14 -66 23 -70 L24 -104 Q23 -122 12 -124 Z" fill="${coat}"/>
    <path d="M-22 -116 Q-30 -96 -27 -68" stroke="${coat}" stroke-width="9" fill="none" stroke-linecap="round"/>
    <path d="M22 -116 Q30 -96 27 -68" stroke="${coat}" stroke-width="9" fill="none" stroke-linecap="round"/>
    <circle cx="-27" cy="-63" r="4.6" fill="#d9a982"/><circle cx="27" cy="-63" r="4.6" fill="#d9a982"/>
    <path d="M0 -124 L0 -68" stroke="#000" stroke-width="1.2" opacity="0.4"/>
    <rect x="-5" y="-131" width="10" height="9" fill="#c9966f"/>
    <ellipse cx="0" cy="-139" rx="10" ry="12.5" fill="#d9a982"/>
    <path d="M-11 -140 Q-11 -154 0 -154 Q11 -154 11 -140 Q7 -148 0 -147 Q-7 -148 -11 -140 Z" fill="#1e1713"/>
    <path d="M-5 -139 h3 M2 -139 h3" stroke="#2a1c14" stroke-width="1.6"/>`
}
