import type { AskerKind } from './asker.ts'

/** What a command does to the world decides who may ask for it and where it may never reach. */
export type CommandEffect =
  /** Takes power away. */
  | 'cuts'
  /** Gives power back: somebody may be working on the line, or a fault may stand. */
  | 'restores'
  /** Says something at the spot. */
  | 'signals'
  | 'opens'
  /** Changes nothing. */
  | 'asks'

export interface CommandKindEntry {
  readonly zh: string
  readonly en: string
  readonly effect: CommandEffect
}

/** 指令: the closed table of what can be asked of a device. */
export const commandKinds = {
  'cut-port': { zh: '切断充电端口或插座', en: 'cut a charging port or socket', effect: 'cuts' },
  'restore-port': { zh: '恢复充电端口或插座', en: 'restore a charging port or socket', effect: 'restores' },
  'trip-breaker': { zh: '断路器分闸', en: 'trip a breaker', effect: 'cuts' },
  'close-breaker': { zh: '断路器合闸', en: 'close a breaker', effect: 'restores' },
  'sound-siren': { zh: '鸣响警号', en: 'sound a siren', effect: 'signals' },
  'flash-lamp': { zh: '闪烁警灯', en: 'flash a lamp', effect: 'signals' },
  speak: { zh: '语音劝导', en: 'speak at the spot', effect: 'signals' },
  'open-door': { zh: '开门', en: 'open a door', effect: 'opens' },
  'read-again': { zh: '重新读取', en: 'read again', effect: 'asks' },
} as const satisfies Record<string, CommandKindEntry>

export type CommandKind = keyof typeof commandKinds

export const commandKindIds = Object.keys(commandKinds) as readonly CommandKind[] // keys of a const table

export const effectOf = (kind: CommandKind): CommandEffect => commandKinds[kind].effect

/** Power is given back by a person alone, who has looked; doors also by a credential at the door. */
export const mayAsk: Readonly<Record<CommandEffect, readonly AskerKind[]>> = {
  cuts: ['person', 'rule'],
  restores: ['person'],
  signals: ['person', 'rule'],
  opens: ['person', 'rule', 'access'],
  asks: ['person', 'rule'],
}
