import { setHeader } from 'hookyard:plugin/output@0.1.0';

/** @type {import('hookyard:plugin/handler@0.1.0').Handler} */
export const handler = {
  process(event) {
    if (event.jsonString('/action') === 'deleted') return { tag: 'discard', val: 'deleted' };
    setHeader('x-kind', event.kind());
    return { tag: 'forward' };
  },
};
