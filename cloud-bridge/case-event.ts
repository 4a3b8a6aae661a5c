import { isoTime } from '../base/clock.ts'
import { CASE_SCHEMA, eventTypes } from '../gateway/contract.ts'
import type { Delivery } from '../gateway/ports.ts'

export const eventId = ({ key, revision }: Delivery): string => `${key}:${revision}`

/**
 * The CloudEvent of a case revision. The case is text already and is put in as it is: parsing and writing it
 * again cost more than all the rest of a delivery.
 */
export function eventText(delivery: Delivery, boxId: string): string {
  const head =
    `{"specversion":"1.0","id":"${eventId(delivery)}","source":"/ganglion/${boxId}","type":"${eventType(delivery)}"` +
    `,"time":"${isoTime(delivery.at)}","datacontenttype":"application/json","dataschema":"${CASE_SCHEMA}","data":`
  return `${head}${delivery.body}}`
}

/** A quote inside a JSON string is written `\"`: `"clearedAt":null` can only be the case's own key. */
const STANDING = /"clearedAt":\s*null/

function eventType({ revision, body }: Delivery): string {
  if (!STANDING.test(body)) return eventTypes.cleared
  return revision === 1 ? eventTypes.raised : eventTypes.updated
}
