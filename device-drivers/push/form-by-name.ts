import { existsSync } from 'node:fs'
import { GanglionError } from '../../base/errors.ts'
import type { PushForm } from './form.ts'

/** The form that a push names. @throws GanglionError `config-invalid` when there is none of that name. */
export async function pushForm(name: string): Promise<PushForm> {
  const file = new URL(`../push-forms/${name}.ts`, import.meta.url)
  if (!/^[a-z0-9-]+$/.test(name) || !existsSync(file))
    throw new GanglionError('config-invalid', `"${name}" is no form in device-drivers/push-forms`)
  const module = (await import(file.href)) as { readonly default: PushForm } // a suite walks the folder
  return module.default
}
