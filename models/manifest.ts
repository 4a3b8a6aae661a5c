import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type, type Static } from 'typebox'
import { GanglionError, codeOf } from '../base/errors.ts'
import { ConfigError, readYaml, type Mistake, type YamlFile } from '../base/yaml.ts'
import { Id } from '../gateway/words.ts'

const closed = { additionalProperties: false } as const

const Side = Type.Integer({ minimum: 32, maximum: 2048 })
const Score = Type.Number({ minimum: 0.01, maximum: 1 })

/** What a detector needs to be used without code: its file, how a picture is laid into it, what it can say. */
export const ManifestFile = Type.Object(
  {
    name: Id,
    file: Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,100}$',
      description: 'name in the folder of models',
    }),
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    source: Type.String({
      minLength: 1,
      maxLength: 300,
      description: 'where the file comes from, shown when it is missing: a command or an address',
    }),
    licence: Type.String({ minLength: 1, maxLength: 200 }),
    decoder: Type.Enum(['centernet', 'yolox', 'fastestdet'] as const),
    input: Type.Object(
      {
        width: Side,
        height: Side,
        layout: Type.Literal('nchw'),
        colours: Type.Enum(['rgb', 'bgr'] as const),
        range: Type.Enum(['0-255', '0-1'] as const),
        fit: Type.Enum(['letterbox-centre', 'letterbox-top-left', 'stretch'] as const, {
          description: 'letterbox keeps the shape of things and fills the rest with `pad`',
        }),
        pad: Type.Integer({ minimum: 0, maximum: 255, description: 'gray around a letterboxed picture' }),
      },
      closed,
    ),
    labels: Type.Array(Type.String({ minLength: 1, maxLength: 60 }), {
      minItems: 1,
      maxItems: 1000,
      uniqueItems: true,
      description: 'in the order of the outputs',
    }),
    thresholds: Type.Record(Type.String(), Score, {
      minProperties: 1,
      description: 'the least score by label; a label that is not named here is never reported',
    }),
    suppress: Type.Object(
      {
        overlap: Type.Number({ minimum: 0, maximum: 1, description: 'IoU above which the weaker box goes' }),
        inside: Type.Number({
          minimum: 0,
          maximum: 1,
          description: 'part of a weaker box inside a better one',
        }),
      },
      closed,
    ),
  },
  { ...closed, $id: 'manifest', title: 'A detector: file, input, decoder, labels and thresholds' },
)
export type Manifest = Static<typeof ManifestFile>

/** Reads a manifest. @throws ConfigError with every mistake; faces and plates among the labels are one. */
export function readManifest(file: string): Manifest {
  const yaml = readYaml(file, ManifestFile)
  const mistakes = [...forbiddenLabels(yaml), ...unknownThresholds(yaml)]
  if (mistakes.length > 0) throw new ConfigError(mistakes)
  return yaml.value
}

/**
 * The model's bytes, checked against the manifest.
 * @throws GanglionError `model-invalid` when the file is missing or is another one.
 */
export function readModel(manifest: Manifest, cacheFolder: string): Uint8Array {
  const file = join(cacheFolder, manifest.file)
  const hint = `Get it by: ${manifest.source}`
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    throw new GanglionError('model-invalid', `${file}: cannot be read (${codeOf(error)}). ${hint}`, {
      hint,
      cause: error,
    })
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  if (sha256 !== manifest.sha256) {
    throw new GanglionError(
      'model-invalid',
      `${file}: wanted SHA-256 ${manifest.sha256}, got ${sha256}. ${hint}`,
      { hint },
    )
  }
  return bytes
}

/** Words that hold "face" and mean something else. */
const harmless = /surface|interface|preface/giu
const faceOrPlate = /face|facial|plate|licen[cs]e|人脸|面部|车牌|号牌/iu

/** No face recognition and no plate reading in this project (PIPL arts 6, 26): such a model is never loaded. */
function forbiddenLabels(yaml: YamlFile<Manifest>): Mistake[] {
  return yaml.value.labels.flatMap((label, index) =>
    faceOrPlate.test(label.replaceAll(harmless, ''))
      ? [yaml.mistake(`/labels/${index}`, `"${label}": models of faces or plates are refused`)]
      : [],
  )
}

function unknownThresholds(yaml: YamlFile<Manifest>): Mistake[] {
  const labels = new Set(yaml.value.labels)
  return Object.keys(yaml.value.thresholds)
    .filter((label) => !labels.has(label))
    .map((label) => yaml.mistake(`/thresholds/${label}`, `"${label}" is not among the labels`))
}
