"""The URLs of the documents."""

from django.urls import path

from documents.views import DocumentFile, Documents

urlpatterns = [
    path("", Documents.as_view(), name="documents"),
    path("<int:pk>/", DocumentFile.as_view(), name="document"),
]
