"""The API of the photos. Users who are logged in can upload."""

from rest_framework import generics, permissions, serializers

from photos.models import Photo
from xaccel.rest_framework import ThumbnailField


class PhotoSerializer(serializers.ModelSerializer):
    thumbnails = ThumbnailField(
        source="image", sizes={"card": "card", "large": "large"}, placeholder=True
    )

    class Meta:
        model = Photo
        fields = ["id", "title", "credit", "image", "thumbnails"]
        extra_kwargs = {"image": {"write_only": True}}


class PhotoApi(generics.ListCreateAPIView):
    queryset = Photo.objects.all()
    serializer_class = PhotoSerializer
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]
