// What the page's scripts find around them, for `npm run lint`.

/** Gradio's own, for the body of gr.HTML's `js_on_load`. */
declare const element: HTMLElement;
declare const props: { value: any };
declare function trigger(event: string, data?: object): void;
declare function watch(property: string, changed: () => void): void;

interface Window {
  gradio_config?: { max_file_size?: number };
}

/** What our selectors find is HTML, and there: the scripts stand beside it. */
interface ParentNode {
  querySelector<K extends keyof HTMLElementTagNameMap>(selectors: K): HTMLElementTagNameMap[K];
  querySelector(selectors: string): any;
  querySelectorAll<K extends keyof HTMLElementTagNameMap>(selectors: K): NodeListOf<HTMLElementTagNameMap[K]>;
  querySelectorAll(selectors: string): NodeListOf<any>;
}
