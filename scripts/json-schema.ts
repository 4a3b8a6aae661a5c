import type { TSchema } from 'typebox'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** A TypeBox schema as plain JSON; where `refer` knows a place for a part, the part becomes a `$ref` to it. */
export function plain(schema: TSchema, refer: (part: TSchema) => string | undefined): Json {
  return copy(schema, refer) as Json // schemas hold nothing but JSON
}

function copy(part: unknown, refer: (part: TSchema) => string | undefined): unknown {
  if (typeof part !== 'object' || part === null) return part
  if (Array.isArray(part)) return part.map((item) => copy(item, refer))
  const $ref = refer(part)
  if ($ref !== undefined) return { $ref }
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, copy(value, refer)]))
}

/**
 * Without `additionalProperties: false`: what a box sends may gain fields within one version of the contract,
 * and a platform that checks with an older file must not refuse a case for that.
 */
export function opened(json: Json): Json {
  if (typeof json !== 'object' || json === null) return json
  if (isList(json)) return json.map(opened)
  const kept = Object.entries(json).filter(
    ([key, value]) => key !== 'additionalProperties' || value !== false,
  )
  return Object.fromEntries(kept.map(([key, value]) => [key, opened(value)]))
}

/** `Array.isArray` does not narrow readonly arrays away. */
const isList = (json: Json): json is readonly Json[] => Array.isArray(json)
