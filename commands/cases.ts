import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import Database from 'better-sqlite3'
import type { Case } from '../gateway/case.ts'
import { stageNames } from '../gateway/stage.ts'
import { say, type Command } from './command.ts'
import { dataFolderOf, demoFolder } from './rooms.ts'
import { runningGateway } from './running.ts'

const MOST = 1000
/** Nothing was ever stored there. */
const NO_FOLDER = 3

/** `ganglion cases [--json]`: what the box knows of its cases, from the running gateway or from its database. */
const cases: Command = {
  name: 'cases',
  summary:
    'the cases of a box as a table, or with --json one object a line: [--box <folder>] [--data <folder>]',
  async run(words) {
    const { values } = parseArgs({
      args: words,
      options: { json: { type: 'boolean' }, box: { type: 'string' }, data: { type: 'string' } },
    })
    const dataFolder = dataFolderOf(resolve(values.box ?? demoFolder), values.data)
    const file = join(dataFolder, 'ganglion.db')
    if (!existsSync(file)) return NO_FOLDER
    const running = await runningGateway(dataFolder)
    const found = running ? ((await running.get(`/api/cases?limit=${MOST}`)) as Case[]) : readCases(file) // our own API
    for (const line of values.json === true ? found.map((one) => JSON.stringify(one)) : table(found))
      say(line)
    return 0
  },
}
export default cases

function readCases(file: string): readonly Case[] {
  const db = new Database(file, { readonly: true })
  try {
    const bodies = db
      .prepare('SELECT body FROM cases ORDER BY raised_at DESC LIMIT ?')
      .pluck()
      .all(MOST) as string[] // one text column
    return bodies.map((body) => JSON.parse(body) as Case) // written by the gateway
  } finally {
    db.close()
  }
}

function table(found: readonly Case[]): readonly string[] {
  return found.map((one) =>
    [
      one.raisedAt.slice(0, 19).replace('T', ' '),
      one.classCode.padEnd(14),
      one.className.zh,
      `${one.siteName.zh} · ${one.place}`,
      `${one.stage} ${stageNames[one.stage]}`,
      one.clearedAt === null ? '' : `cleared ${one.clearedAt.slice(11, 19)}`,
      one.drill ? '演练 drill' : '',
      one.key.slice(0, 12),
    ]
      .filter((word) => word !== '')
      .join('  '),
  )
}
