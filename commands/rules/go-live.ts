import { parseArgs } from 'node:util'
import { GanglionError } from '../../base/errors.ts'
import { say, type Command } from '../command.ts'
import { folderOptions, foldersOf, withDecisions } from './folders.ts'

/** Ends the trial of a site, once its days are over and somebody has looked. */
const goLive: Command = {
  name: 'rules go-live',
  summary: 'end the trial of a site: rules go-live <site> --by <name> [--box <folder>] [--data <folder>]',
  async run(words) {
    const { values, positionals } = parseArgs({
      args: words,
      allowPositionals: true,
      options: { ...folderOptions, by: { type: 'string' } },
    })
    const [site] = positionals
    const { by } = values
    if (site === undefined || by === undefined || by === '' || positionals.length > 1) {
      throw new GanglionError('usage', 'wanted: ganglion rules go-live <site> --by <name>')
    }
    await withDecisions(foldersOf(values), (desk) => desk.goLive(site, by))
    say(`${site}: live (${by})`)
    return 0
  },
}
export default goLive
