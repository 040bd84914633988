// A stock component in JavaScript, as StarlingMonkey runs it: `/relay?to=URL` sends the message on and answers what it was
// answered; anything else is refused with a count of the message's members.
addEventListener('fetch', (event) => event.respondWith(handle(event.request)));

async function handle(request) {
  const url = new URL(request.url);
  const body = await request.text();
  if (url.pathname === '/relay') {
    const headers = { 'webhook-id': request.headers.get('webhook-id') };
    const answer = await fetch(url.searchParams.get('to'), { method: 'POST', body, headers });
    return new Response(await answer.text(), { status: answer.status });
  }
  const members = Object.keys(JSON.parse(body)).length;
  return new Response(`${request.method} ${url.pathname} ${members}`, { status: 422 });
}
