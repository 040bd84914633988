import * as config from 'hookyard:plugin/config@0.1.0';
import { send } from 'hookyard:plugin/http@0.1.0';

/** @type {import('hookyard:plugin/delivery@0.1.0').Delivery} */
export const delivery = {
  deliver(message, attempt) {
    const { status, body } = post(config.get('/url') ?? '', message.body());
    if (status >= 200 && status < 300) return { status, detail: new TextDecoder().decode(body) };
    const reason = `the receiver answered ${status}`;
    throw { tag: status === 429 || status >= 500 ? 'retryable' : 'permanent', val: reason };
  },
};

function post(url, body) {
  try {
    return send({ method: 'POST', url, headers: [], body, timeoutMs: 0 });
  } catch (error) {
    const { tag, val = tag } = error.payload;
    throw { tag: 'retryable', val };
  }
}
