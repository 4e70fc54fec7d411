import { defineConfig } from 'vite';

const pages = ['index', 'checkout', 'thanks', 'account', 'calculator'];

export default defineConfig({
  build: {
    target: 'es2022',
    // Nothing is written into the page itself: the policy of the shop allows no inline script or style.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: Object.fromEntries(pages.map((page) => [page, `${page}.html`])) },
  },
});
