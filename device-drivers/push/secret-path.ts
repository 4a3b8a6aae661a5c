import { Type, type Static } from 'typebox'
import { GanglionError } from '../../base/errors.ts'
import { SecretRef } from '../../gateway/words.ts'
import { refused, ok, type PushHead, type Verdict } from './form.ts'
import { isSameText } from './same-text.ts'

/** Settings of a cloud that signs nothing: the last part of the address it posts to is the secret. */
export const SecretPathSettings = Type.Object({ secret: SecretRef }, { additionalProperties: false })
export type SecretPathSettings = Static<typeof SecretPathSettings>

/** Who knows the path may speak. @throws GanglionError `secret-missing`, `config-invalid` */
export function secretPath(
  { secret: reference }: SecretPathSettings,
  secret: (reference: string) => string,
): (head: PushHead) => Verdict {
  const wanted = secret(reference)
  if (!/^[A-Za-z0-9._~-]{22,200}$/.test(wanted))
    throw new GanglionError(
      'config-invalid',
      `${reference}: wanted 22 to 200 letters, digits, . _ ~ or -, since it stands in an address`,
    )
  return ({ below }) => (isSameText(below, wanted) ? ok : refused('wrong path'))
}
