/** What the platform answers to one request. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly type?: string
  readonly text?: string
}

export const answer = (status: number, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  headers,
})

export const json = (value: unknown): Answer => ({
  status: 200,
  type: 'application/json',
  text: JSON.stringify(value),
})

/** RFC 9457. */
export const problem = (
  status: number,
  detail: string,
  more: { readonly type?: string; readonly headers?: Readonly<Record<string, string>> } & Readonly<
    Record<string, unknown>
  > = {},
): Answer => {
  const { headers = {}, ...members } = more
  return {
    status,
    headers,
    type: 'application/problem+json',
    text: JSON.stringify({ type: 'about:blank', status, detail, ...members }),
  }
}
