import { isIP } from 'node:net'
import { Type, type Static, type TSchema } from 'typebox'
import { checker, nearest, type Complaint } from '../base/schema.ts'
import { Id } from './words.ts'

/** 推送: an operator's cloud that posts what its devices say to a path of ours. */
export const PushEntry = Type.Object(
  {
    id: Id,
    form: Type.String({
      pattern: '^[a-z0-9][a-z0-9-]{0,62}$',
      description: 'whose pushes they are: a file in device-drivers/push-forms',
    }),
    path: Type.String({
      pattern: '^(/[A-Za-z0-9][A-Za-z0-9._~-]{0,59}){1,6}$',
      description:
        'the path that the cloud posts to, such as /push/ctwing; forms without a signature have their secret behind it',
    }),
    from: Type.Optional(
      Type.Array(
        Type.String({
          pattern: '^[0-9a-f.:]{2,39}(/\\d{1,3})?$',
          description: 'an address or network such as 42.193.134.62 or 10.0.0.0/8',
        }),
        {
          maxItems: 200,
          description:
            'only these may post; behind a proxy leave it out: the proxy would be all that is seen',
        },
      ),
    ),
  },
  // The rest is judged by the form's own schema.
  { additionalProperties: true },
)
export type PushEntry = Static<typeof PushEntry>

/** A push with what its form's own schema judged. */
export interface Push {
  readonly id: string
  readonly form: string
  readonly path: string
  readonly from: readonly string[] | undefined
  readonly settings: Readonly<Record<string, unknown>>
}

export function toPush({ id, form, path, from, ...settings }: PushEntry): Push {
  return { id, form, path, from, settings }
}

/** What a box file has to say of pushes. */
export interface PushWish {
  readonly listen: { readonly push?: string }
  readonly pushes?: readonly PushEntry[]
}

/** Everything that is wrong with `pushes:`; paths are those of box.yaml. */
export function pushComplaints(
  { listen, pushes = [] }: PushWish,
  forms: ReadonlyMap<string, { readonly settings: TSchema }>,
): readonly Complaint[] {
  const complaints: Complaint[] = []
  if (pushes.length > 0 && listen.push === undefined)
    complaints.push({ path: '/listen', text: '"push" is missing: where the pushes arrive' })
  for (const [index, entry] of pushes.entries()) {
    const at = `/pushes/${index}`
    const { form, from, settings } = toPush(entry)
    for (const key of ['id', 'path'] as const) {
      if (pushes.findIndex((other) => other[key] === entry[key]) < index)
        complaints.push({ path: `${at}/${key}`, text: `another push has "${entry[key]}" already` })
    }
    from?.forEach((network, place) => {
      if (!isNetwork(network))
        complaints.push({
          path: `${at}/from/${place}`,
          text: `wanted an address or network; got "${network}"`,
        })
    })
    const plug = forms.get(form)
    if (!plug) {
      complaints.push({ path: `${at}/form`, text: unknownForm(form, [...forms.keys()]) })
      continue
    }
    const checked = checker(plug.settings)(settings)
    if (checked.ok) continue
    for (const complaint of checked.complaints)
      complaints.push({ path: `${at}${complaint.path}`, text: complaint.text })
  }
  return complaints
}

function isNetwork(text: string): boolean {
  const [address = '', bits] = text.split('/')
  const family = isIP(address)
  return family !== 0 && (bits === undefined || Number(bits) <= (family === 4 ? 32 : 128))
}

function unknownForm(form: string, known: readonly string[]): string {
  const meant = nearest(form, known)
  return `unknown form "${form}"${meant ? `; did you mean "${meant}"?` : `; known are ${known.join(', ')}`}`
}
