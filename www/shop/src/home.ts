import 'prequal/element';
import { drawLines, readCart, setQuantity, totalOf, writeCart } from './cart.js';
import { byId, connect, currency, type Product, price, products } from './page.js';

let cart = readCart();

function draw(): void {
  drawLines(byId('lines'), cart, change);
  const total = totalOf(cart);
  byId('total').textContent = price(total);
  byId('filled').hidden = byId('message-frame').hidden = byId('to-checkout').hidden = cart.length === 0;
  byId('empty').hidden = cart.length > 0;
  if (cart.length === 0) return;
  byId('message').setAttribute('currency', currency);
  byId('message').setAttribute('amount', String(total));
}

function change(sku: string, quantity: number): void {
  cart = setQuantity(cart, sku, quantity);
  writeCart(cart);
  draw();
  if (cart.length === 0) byId('cart-title').focus();
}

function card(product: Product): HTMLElement {
  const article = document.createElement('article');
  article.className = 'product';
  const art = document.createElement('div');
  art.className = 'art';
  const image = document.createElement('img');
  image.src = `/art/${product.sku}.svg`;
  image.alt = '';
  image.width = 320;
  image.height = 220;
  art.append(image);
  const name = document.createElement('h2');
  name.textContent = product.name;
  const cost = document.createElement('p');
  cost.className = 'price';
  cost.textContent = price(product.amount);
  const head = document.createElement('div');
  head.className = 'name-price';
  head.append(name, cost);
  const line = document.createElement('p');
  line.textContent = product.line;
  const facts = document.createElement('ul');
  facts.append(
    ...product.facts.map((fact) => {
      const item = document.createElement('li');
      item.textContent = fact;
      return item;
    }),
  );
  const add = document.createElement('button');
  add.type = 'button';
  add.className = 'button quiet';
  add.textContent = 'Add to cart';
  add.setAttribute('aria-label', `Add ${product.name} to cart`);
  add.addEventListener('click', () => {
    change(product.sku, (cart.find((each) => each.sku === product.sku)?.quantity ?? 0) + 1);
    byId('cart').scrollIntoView({ block: 'nearest' });
  });
  const text = document.createElement('div');
  text.className = 'product';
  text.append(head, line, facts, add);
  article.append(art, text);
  return article;
}

byId('products').append(...products.map(card));
draw();
void connect(byId('message'));
