/** 拒绝原因: why a credential did not open a door. Closed: readers show it, readings and the API carry it. */
export const refusals = {
  unknown: { zh: '未登记的卡', en: 'the site does not list it' },
  revoked: { zh: '已吊销', en: 'revoked' },
  'not-yet': { zh: '尚未生效', en: 'not valid yet' },
  expired: { zh: '已过期', en: 'no longer valid' },
  'wrong-hours': { zh: '不在允许时段', en: 'not at this time of the week' },
  'wrong-door': { zh: '不适用于此门', en: 'not for this door' },
  used: { zh: '二维码已使用', en: 'the code was used before' },
  'wrong-signature': { zh: '签名无效', en: 'not signed by an issuer of this box' },
  unreadable: { zh: '无法识别', en: 'it could not be read' },
  'clock-unset': { zh: '时钟未设置', en: 'the box does not know the time' },
  'too-often': { zh: '尝试过于频繁', en: 'too many tries' },
  late: { zh: '请求超时', en: 'it came too late' },
  'door-fault': { zh: '门无法打开', en: 'the door could not be opened' },
} as const satisfies Record<string, { zh: string; en: string }>

export type Refusal = keyof typeof refusals
