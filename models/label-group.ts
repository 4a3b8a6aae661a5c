/** Labels that are one thing to a rule: e-bikes come out as motorcycle three times of four, else as bicycle. */
export function labelGroup(label: string): string {
  return label === 'bicycle' || label === 'motorcycle' ? 'two-wheeler' : label
}
