// The snippets under "Use via API" name the address that the server was asked at; here they name the
// one that the browser knows. And bash forgets what is read within a pipe, so it gets braces.
const { fetch } = window;
window.fetch = async (...request) => {
  const response = await fetch(...request);
  if (!response.ok || !/\/gradio_api\/info(\?|$)/.test(response.url)) return response;
  const info = await response.json(), here = new URL('.', location.href).href.replace(/\/$/, '');
  for (const { code_snippets: texts } of Object.values(info.named_endpoints)) {
    const [, asked] = /Client\("(.*?)"/.exec(texts.python);
    for (const [language, text] of Object.entries(texts)) {
      texts[language] = text.replaceAll(asked, here).replace('/path/to/your/file', 'photo.jpg')
        .replace(/read (EVENT_ID; .*)$/, '{ read -r $1; }');
    }
  }
  return Response.json(info);
};
