import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TSchema } from 'typebox'
import { Case, CONTRACT } from '../gateway/case.ts'
import { CASE_SCHEMA, CaseEvent } from '../gateway/contract.ts'
import { ProfileFile } from '../gateway/profile-file.ts'
import { BoxFile, SiteFile } from '../gateway/site-file.ts'
import { StageMove } from '../gateway/stage.ts'
import { opened, plain, type Json } from './json-schema.ts'
import { openApi } from './openapi.ts'

/** Writes the schemas and the OpenAPI text in docs/ from the shapes that the code uses: `node scripts/generate-docs.ts`. */

/** By path from the project's folder. */
export function generatedDocs(): ReadonlyMap<string, string> {
  const events: Json = { ...schemaFile(CaseEvent, `urn:ganglion:contract:${CONTRACT}:event`) }
  const docs: readonly (readonly [string, Json])[] = [
    [
      'docs/platform/case.schema.json',
      opened({ ...schemaFile(Case, CASE_SCHEMA), title: 'A grid case 案件' }),
    ],
    ['docs/platform/event.schema.json', opened(events)],
    [
      'docs/platform/stage-move.schema.json',
      {
        ...schemaFile(StageMove, `urn:ganglion:contract:${CONTRACT}:stage-move`),
        title: 'A move of a case 案件流转',
      },
    ],
    ['docs/platform/openapi.json', openApi()],
    ['docs/schema/box.schema.json', schemaFile(BoxFile, 'urn:ganglion:schema:box')],
    ['docs/schema/site.schema.json', schemaFile(SiteFile, 'urn:ganglion:schema:site')],
    ['docs/schema/profile.schema.json', schemaFile(ProfileFile, 'urn:ganglion:schema:profile')],
  ]
  return new Map(docs.map(([path, json]) => [path, `${JSON.stringify(json, null, 2)}\n`]))
}

/** Draft 7 is what editors understand; the shapes need nothing newer. */
function schemaFile(schema: TSchema, id: string): Readonly<Record<string, Json>> {
  const json = plain(schema, () => undefined) as Readonly<Record<string, Json>> // an object goes in, an object comes out
  return { $schema: 'http://json-schema.org/draft-07/schema#', ...json, $id: id }
}

if (import.meta.main) {
  for (const [path, text] of generatedDocs()) {
    const file = join(import.meta.dirname, '..', path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
    process.stdout.write(`${path}\n`)
  }
}
