import { Store } from '../gateway/store/store.ts'

/**
 * Commits one row after the other, several at a time, into the folder of the command line and prints the number of
 * each that was answered, until it is killed.
 */
const store = await Store.open({ folder: process.argv[2] ?? '' })
let next = 0

async function commitForEver(): Promise<never> {
  for (;;) {
    const number = next++
    await store.put(['putMeta', `row-${number}`, 'x'.repeat(200)])
    process.stdout.write(`${number}\n`)
  }
}

await Promise.all(Array.from({ length: 8 }, commitForEver))
