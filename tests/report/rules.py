"""What every page keeps to. Witness: axe-core's rules, which hold those of WCAG 2 AA."""


def keep_to_the_rules(page):
    """As it is shown just now."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def keep_to_the_rules_at(page, width, scheme):
    """At a width, in a scheme; a page wider than the screen would scroll sideways."""
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    keep_to_the_rules(page)
