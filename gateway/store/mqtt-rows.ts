import type { MqttRow, MqttStore } from '../ports.ts'
import type { Store } from './store.ts'

/** What the embedded broker must remember, in the box's database. */
export function mqttRows(store: Store): MqttStore {
  return {
    load: () => store.reader.prepare('SELECT kind, key, value FROM mqtt').all() as MqttRow[], // the columns named
    put: (kind, key, value) => store.put(['putMqtt', kind, key, value]),
    delete: (kind, key) => store.put(['deleteMqtt', kind, key]),
  }
}
