from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLineEdit

from clem_retrace.plugin.fold import Fold


@pytest.fixture
def fold(qtbot):
    fold = Fold("Advanced options", QLineEdit())
    qtbot.addWidget(fold)
    fold.show()
    return fold


def test_the_title_shows_and_hides_the_content(fold, qtbot):
    content = fold.findChild(QLineEdit)
    assert fold.button.accessibleName() == "Advanced options"
    assert (fold.button.text(), content.isVisible()) == ("▸ Advanced options", False)
    folded = fold.sizeHint().height()
    qtbot.mouseClick(fold.button, Qt.MouseButton.LeftButton)
    assert (fold.button.text(), content.isVisible()) == ("▾ Advanced options", True)
    assert fold.sizeHint().height() >= folded + content.sizeHint().height()
    qtbot.mouseClick(fold.button, Qt.MouseButton.LeftButton)
    assert (fold.button.text(), content.isVisible()) == ("▸ Advanced options", False)
