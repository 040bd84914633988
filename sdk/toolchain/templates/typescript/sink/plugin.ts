import * as config from 'hookyard:plugin/config@0.1.0';
import type { Delivery } from 'hookyard:plugin/delivery@0.1.0';
import { type HttpError, send } from 'hookyard:plugin/http@0.1.0';
import type { Failure, Response } from 'hookyard:plugin/types@0.1.0';

export const delivery: Delivery = {
  deliver(message, attempt) {
    const { status, body } = post(config.get('/url') ?? '', message.body());
    if (status >= 200 && status < 300) return { status, detail: new TextDecoder().decode(body) };
    const reason = `the receiver answered ${status}`;
    throw failure(status === 429 || status >= 500 ? 'retryable' : 'permanent', reason);
  },
};

function post(url: string, body: Uint8Array): Response {
  try {
    return send({ method: 'POST', url, headers: [], body, timeoutMs: 0 });
  } catch (error) {
    const { payload } = error as ComponentError<HttpError>;
    throw failure('retryable', 'val' in payload ? payload.val : payload.tag);
  }
}

function failure(tag: Failure['tag'], val: string): Failure {
  return { tag, val };
}
