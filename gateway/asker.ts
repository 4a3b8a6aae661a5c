export const askerKinds = ['person', 'rule', 'access'] as const
export type AskerKind = (typeof askerKinds)[number]

/** Who asked: a person by the name given, a rule by its id, or a door's access control by the credential's id. */
export interface Asker {
  readonly kind: AskerKind
  readonly id: string
}
