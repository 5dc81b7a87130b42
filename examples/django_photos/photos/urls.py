"""The URLs of the photos."""

from django.urls import path

from photos.views import AddPhoto, PhotoDetail, PhotoList

urlpatterns = [
    path("", PhotoList.as_view(), name="photos"),
    path("photos/add/", AddPhoto.as_view(), name="add-photo"),
    path("photos/<int:pk>/", PhotoDetail.as_view(), name="photo"),
]
