import type { Catalogue } from './catalogue.ts'
import type { Box, Site } from './config.ts'
import type { Device } from './device.ts'
import type { LoadedRule } from './pack.ts'
import type { BoxFile } from './site-file.ts'

/** The box that runs: the same object for all who look at it, whatever it has become meanwhile. */
export class LiveBox implements Box {
  #now: Box

  constructor(box: Box) {
    this.#now = box
  }

  /** As it was read. */
  get now(): Box {
    return this.#now
  }

  become(box: Box): void {
    this.#now = box
  }

  get folder(): string {
    return this.#now.folder
  }

  get id(): string {
    return this.#now.id
  }

  get file(): BoxFile {
    return this.#now.file
  }

  get sites(): readonly Site[] {
    return this.#now.sites
  }

  get devices(): ReadonlyMap<string, Device> {
    return this.#now.devices
  }

  get rules(): readonly LoadedRule[] {
    return this.#now.rules
  }

  get catalogue(): Catalogue {
    return this.#now.catalogue
  }

  get hash(): string {
    return this.#now.hash
  }
}
