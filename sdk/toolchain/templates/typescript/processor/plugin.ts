import type { Handler } from 'hookyard:plugin/handler@0.1.0';
import { setHeader } from 'hookyard:plugin/output@0.1.0';

export const handler: Handler = {
  process(event) {
    if (event.jsonString('/action') === 'deleted') return { tag: 'discard', val: 'deleted' };
    setHeader('x-kind', event.kind());
    return { tag: 'forward' };
  },
};
