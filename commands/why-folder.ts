import { systemClock } from '../base/clock.ts'
import { loadBox } from '../gateway/config.ts'
import { History } from '../gateway/history/history.ts'
import { lockFolder } from '../gateway/lock.ts'
import { bindRules } from '../gateway/slots.ts'
import { Store } from '../gateway/store/store.ts'
import type { WhyNot } from '../gateway/why-not.ts'
import { WhyDesk, type WhyAnswer, type WhyNotQuestion } from '../gateway/why-desk.ts'
import { isoTime } from '../base/clock.ts'
import { shippedRooms } from './rooms.ts'
import type { Folders } from './rules/folders.ts'
import { runningGateway } from './running.ts'

/** Asks the running gateway, else what it has left in its data folder. */
export async function askWhy({ box, data }: Folders, key: string): Promise<WhyAnswer> {
  const running = await runningGateway(data)
  if (running) return (await running.get(`/api/why/${encodeURIComponent(key)}`)) as WhyAnswer // our own API
  return withDesk({ box, data }, (desk) => desk.why(key))
}

export async function askWhyNot({ box, data }: Folders, question: WhyNotQuestion): Promise<WhyNot> {
  const running = await runningGateway(data)
  if (!running) return withDesk({ box, data }, (desk) => desk.whyNot(question))
  const query = new URLSearchParams({
    site: question.site,
    class: question.class,
    at: isoTime(question.at),
    ...(question.within !== undefined && { within: `${question.within} ms` }),
  })
  return (await running.get(`/api/why-not?${query.toString()}`)) as WhyNot // our own API
}

async function withDesk<T>({ box, data }: Folders, ask: (desk: WhyDesk) => Promise<T>): Promise<T> {
  const plans = bindRules(await loadBox(box, await shippedRooms()))
  const unlock = lockFolder(data)
  try {
    const store = await Store.open({ folder: data })
    const history = new History({ store, clock: systemClock, folder: data, trouble: () => undefined })
    try {
      return await ask(new WhyDesk({ store, history, plans: () => plans }))
    } finally {
      await history.close()
      await store.close()
    }
  } finally {
    unlock()
  }
}
