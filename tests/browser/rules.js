// Rules that a page must keep, whatever it contains. Each function returns what breaks its rule, as a list of texts. They
// need no library; the main rules for accessibility are checked here as well, for machines without axe-core.
(() => {
    const all = (selector, root) => [...(root || document).querySelectorAll(selector)];
    const name = element => `<${element.localName} class="${element.getAttribute("class") || ""}">: ` +
        (element.textContent || element.getAttribute("aria-label") || "").trim().slice(0, 60);
    const shown = element => element.checkVisibility({visibilityProperty: true});

    // --- what a page is made of

    function nothing_runs() {
        const found = all("script, iframe, object, embed, form, input, base, [style], link:not([rel=icon])");
        const handlers = all("*").filter(e => e.getAttributeNames().some(n => n.startsWith("on")));
        const links = all("a").filter(a => !/^(#|[^:?#]+$)/.test(a.getAttribute("href")));
        return [...found, ...handlers, ...links].map(name);
    }

    function no_turned_text() {
        const texts = [document.title, document.body.textContent];
        all("*").forEach(e => e.getAttributeNames().forEach(n => texts.push(e.getAttribute(n))));
        return texts.filter(text => /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(text)).map(text => text.slice(0, 60));
    }

    async function pictures_decode() {
        const broken = [];
        for (const image of all("img")) {
            await image.decode().catch(() => broken.push(image.alt));
            if (!image.naturalWidth || !image.hasAttribute("width") || !image.hasAttribute("height")) {
                broken.push("size of " + image.alt);
            }
        }
        return broken;
    }

    // --- what it looks like

    function nothing_reaches_out() {
        const width = document.documentElement.clientWidth;
        const inside = e => e.closest(".scroll, pre, svg");
        const wide = all("body *").filter(e => shown(e) && !inside(e.parentElement) &&
            (e.getBoundingClientRect().right > width + 0.5 || e.getBoundingClientRect().left < -0.5));
        return document.documentElement.scrollWidth > width ? [`${document.documentElement.scrollWidth} pixels`, ...wide.map(name)]
            : wide.map(name);
    }

    function drawings_are_whole() { // texts of an axis end inside of their drawing
        return all("figure > svg").flatMap(svg => {
            const box = svg.getBoundingClientRect();
            return all(":scope > .tick", svg).filter(text => {
                const inner = text.getBoundingClientRect();
                return inner.left < box.left - 1 || inner.right > box.right + 1 || inner.bottom > box.bottom + 1;
            }).map(name);
        });
    }

    // The ratio of WCAG 2.2, 1.4.3; colours are opaque rgb() or color-mix() that the browser resolves to rgb().
    function luminance(colour) {
        const parts = colour.map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    }
    const channels = colour => colour.match(/[\d.]+/g).map(Number);
    function background(element) {
        for (let e = element; e; e = e.parentElement) {
            const colour = channels(getComputedStyle(e).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) {
                return colour;
            }
        }
        return [255, 255, 255];
    }
    function text_can_be_read() {
        const texts = all("body *").filter(e => shown(e) && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()));
        return texts.flatMap(e => {
            const style = getComputedStyle(e);
            const pair = [luminance(channels(e.namespaceURI.endsWith("svg") ? style.fill : style.color)), luminance(background(e))];
            const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
            const size = parseFloat(style.fontSize) * (e.getScreenCTM ? e.getScreenCTM().a : 1);
            return ratio < 4.5 ? [`contrast ${ratio.toFixed(2)}: ${name(e)}`] : size < 10 ? [`${size} pixels: ${name(e)}`] : [];
        });
    }

    // --- what a screen reader says

    function has_an_outline() {
        const wrong = [];
        if (!document.documentElement.lang || !document.title.trim() || all("main").length !== 1 || all("h1").length !== 1) {
            wrong.push("language, title, one main, one h1");
        }
        let level = 0;
        for (const heading of all("h1, h2, h3, h4, h5, h6")) {
            const next = Number(heading.localName[1]);
            if (next > level + 1 || !heading.textContent.trim()) {
                wrong.push(name(heading));
            }
            level = next;
        }
        const ids = all("[id]").map(e => e.id);
        wrong.push(...ids.filter((id, i) => ids.indexOf(id) !== i));
        wrong.push(...all("nav a").map(a => a.getAttribute("href").slice(1)).filter(id => !document.getElementById(id)));
        wrong.push(...all("main > section").filter(s => !document.getElementById(s.getAttribute("aria-labelledby"))).map(name));
        return wrong;
    }

    function everything_has_words() {
        const images = all("img:not([alt])");
        const drawings = all("svg").filter(svg => !svg.parentElement.closest("svg") && svg.getAttribute("aria-hidden") !== "true" &&
            !(svg.getAttribute("role") === "img" && (svg.getAttribute("aria-label") || "").trim().length > 10));
        const tables = all("table").filter(table => !table.caption || !table.caption.textContent.trim());
        const heads = all("th").filter(th => !["col", "row"].includes(th.getAttribute("scope")));
        const links = all("a, summary").filter(e => !e.textContent.trim());
        const figures = all("figure").filter(figure => !all("figcaption", figure).length);
        return [...images, ...drawings, ...tables, ...heads, ...links, ...figures].map(name);
    }

    function keyboard_reaches_everything() { // what scrolls must take the focus
        return all("body *").filter(e => /auto|scroll/.test(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1 &&
            e.tabIndex !== 0).map(name);
    }

    return {nothing_runs, no_turned_text, pictures_decode, nothing_reaches_out, drawings_are_whole, text_can_be_read,
        has_an_outline, everything_has_words, keyboard_reaches_everything};
})()
